import type { Kept } from '#libs/lifecycle/testing';

/** Columns with a person in them that stay as they are, each with its reason. */
export const kept: Kept = {
  'message_inbox.owner_id':
    'A personal inbox stays with the conversations in it; its owner is an id that only the directory gives a name. With a deletion it loses its own name.',
  'message.sent_by': 'Who has written a message stays with it, as an id that only the directory gives a name.',
  'scheduled_message.scheduled_by':
    'An admin who has scheduled it for somebody else stays with it, as an id that only the directory gives a name.',
  'chat_operator.user_id':
    'Counts only while its person has not left since; who has is taken off the list by the router of live chats.',
  'chatbot.email':
    'Where a playbook writes to, as the account wants it; the preview of a departure asks to review it. The address of somebody deleted is taken out.',
  'webform.email':
    'Where a web form reports to, as the account wants it; the preview of a departure asks to review it. The address of somebody deleted is taken out.',
};
