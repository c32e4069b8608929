"""活动分享: a public page, its picture and QR code behind a token. Tables: activity_shares."""
