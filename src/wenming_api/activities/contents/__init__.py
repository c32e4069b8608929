"""活动内容: what happened, in versions, from which the ledger record is made. Tables: activity_contents."""
