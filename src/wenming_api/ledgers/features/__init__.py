"""Features (特征向量) of a ledger record: what quality rules may look at. No tables; `record_features` holds them."""
