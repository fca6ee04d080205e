"""The wire: models of what users write and read. The CRDs are generated from them; nothing here decides."""
