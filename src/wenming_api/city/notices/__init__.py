"""What the people of an assessment are told in their inbox (测评通知). Knows no other domain of the city. No tables."""
