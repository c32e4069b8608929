"""短信平台与消息: notifications and the channels they leave by."""
