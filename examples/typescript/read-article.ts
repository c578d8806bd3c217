// Reads an article with types generated from the OpenAPI document, and meets every kind of block:
//     npx openapi-typescript http://127.0.0.1:8080/openapi.json -o bantin.d.ts
//     npx tsc --noEmit --strict --target es2022 --module esnext --moduleResolution bundler read-article.ts
import type { components, operations, paths } from "./bantin";

type Article = components["schemas"]["ArticleFull"];
type Block = components["schemas"]["LiveBlock"];
type Problem = components["schemas"]["Problem"];
type Draft = components["schemas"]["ContentInput"];

// What the server fills in may be left out.
export const draft: Draft = {
  title: "Ra quân trồng cây đầu xuân",
  category: "tin-tuc-su-kien",
  body: [{ _type: "block", children: [{ text: "Sáng 12/2, xã ra quân trồng cây." }] }],
};

export async function read(base: string, slug: string): Promise<Article> {
  const path: keyof paths = "/v1/articles/{slug}";
  const answer = await fetch(base + path.replace("{slug}", slug));
  if (answer.ok) {
    return answer.json();
  }
  const problem: Problem = await answer.json();
  throw new Error(problem.code === "taken_down" ? `gone since ${problem.tombstone?.at}` : problem.title);
}

export function plain(article: Article): string {
  const lead: string | null = article.lead;
  return [article.title, lead ?? "", ...(article.body ?? []).map(text)].join("\n\n");
}

function text(block: Block): string {
  switch (block._type) {
    case "block":
      return block.children.map((span) => span.text).join("");
    case "figure":
      // What was withdrawn leaves its place in the figure, and no address.
      return [block.caption, ...block.media.map((medium) => ("url" in medium ? medium.alt : null))].filter(Boolean).join(" ");
    case "table":
      return block.rows.map((row) => row.cells.map((cell) => cell.children.map((span) => span.text).join("")).join("\t")).join("\n");
    case "embed":
      return block.url ?? block.media?.renditions[0]?.url ?? "";
    case "attachment":
      return `${block.title}: ${block.media.renditions[0]?.url}`;
    case "rule":
      return "***";
    default:
      // All kinds are met; one that comes later is skipped.
      return skip(block);
  }
}

function skip(_: never): string {
  return "";
}

export type Listed = operations["list_articles"]["responses"][200]["content"]["application/json"];
