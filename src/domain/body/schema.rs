//! Blocks in the OpenAPI document: a `oneOf` told apart by `_type`.

use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Discriminator, ObjectBuilder, OneOfBuilder, Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::{
    Attachment, Block, Embed, Figure, LiveAttachment, LiveBlock, LiveEmbed, LiveFigure, Rule,
    Table, TextBlock,
};

/// The schema of one variant: the object's own, plus its `_type`.
fn tagged<T: ToSchema>(tag: &str) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = T::schema() else {
        return T::schema();
    };
    object.properties.insert(
        "_type".to_owned(),
        ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .enum_values(Some([tag]))
            .into(),
    );
    object.required.insert(0, "_type".to_owned());
    RefOr::T(Schema::Object(object))
}

fn one_of(description: &str, variants: &[(&str, std::borrow::Cow<'static, str>)]) -> RefOr<Schema> {
    let mut discriminator = Discriminator::new("_type");
    let mut builder = OneOfBuilder::new().description(Some(description));
    for (tag, name) in variants {
        let reference = format!("#/components/schemas/{name}");
        discriminator
            .mapping
            .insert((*tag).to_owned(), reference.clone());
        builder = builder.item(Ref::new(reference));
    }
    builder.discriminator(Some(discriminator)).into()
}

macro_rules! union_schema {
    ($name:ident, $description:literal, $($tag:literal => $variant:ty),+ $(,)?) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                one_of($description, &[$(($tag, <$variant as ToSchema>::name())),+])
            }
        }
        impl ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                $(
                    schemas.push((<$variant as ToSchema>::name().into_owned(), tagged::<$variant>($tag)));
                    <$variant as ToSchema>::schemas(schemas);
                )+
            }
        }
    };
}

union_schema! {
    Block, "One block of a body as editors write it.",
    "block" => TextBlock, "figure" => Figure, "table" => Table, "embed" => Embed,
    "attachment" => Attachment, "rule" => Rule,
}

union_schema! {
    LiveBlock,
    "One block of a body as readers get it. Skip a `_type` you do not know: new ones may come.",
    "block" => TextBlock, "figure" => LiveFigure, "table" => Table, "embed" => LiveEmbed,
    "attachment" => LiveAttachment, "rule" => Rule,
}
