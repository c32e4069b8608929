"""Lists of records (台账查询): filtered, sorted, searched by words of two characters and more. No table of its own."""
