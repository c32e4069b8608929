"""What is offered while a record is written (预填): from earlier records, units, photos. No table of its own."""
