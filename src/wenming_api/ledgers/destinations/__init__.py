"""报送去向 (L2.5, L2.6, A6): the units and topics that a unit may send to. No tables."""
