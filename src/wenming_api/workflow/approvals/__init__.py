"""审批: the one engine on which records, submissions, activities, titles and extensions are approved step by step.

A domain starts an approval, decides through it in its own routes and takes its own state from the standing returned,
all in one transaction. Tables: approvals, approval_turns.
"""
