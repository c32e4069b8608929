"""活动: plan, approval, states of creation activities.

Tables: activities, activity_nodes, activity_partners, activity_steps.
"""
