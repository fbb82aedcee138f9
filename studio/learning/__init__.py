"""From features and labels to predictors: zero-shot, few-shot and LoRA."""
