// The declarations are in CLMDB's shim.h: Swift must see LMDB's types once.
