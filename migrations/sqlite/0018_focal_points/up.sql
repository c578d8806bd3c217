-- What of a picture matters most, from its left and its top, as parts of one; crops are made around it.
ALTER TABLE media ADD COLUMN focal_x DOUBLE;
ALTER TABLE media ADD COLUMN focal_y DOUBLE;
