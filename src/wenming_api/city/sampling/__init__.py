"""抽选 (draw): the provable random draw of the sites an assessment visits.

Tables: draws, draw_frames, draw_sites.
"""
