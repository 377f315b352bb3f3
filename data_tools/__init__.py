"""Making of training records, imported as bubo.data_tools."""
