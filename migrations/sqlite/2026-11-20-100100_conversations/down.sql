DROP TABLE receipts;
DROP TABLE messages;
DROP TABLE conversation_memory;
DROP TABLE conversation_tags;
DROP TABLE conversations;
