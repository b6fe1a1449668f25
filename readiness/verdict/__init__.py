"""What a run comes to: score, checklists, evidence and the report."""
