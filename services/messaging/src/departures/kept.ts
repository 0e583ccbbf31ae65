import type { Kept } from '#libs/lifecycle/testing';

/** Personal columns that no rule changes, each with the reason. */
export const kept: Kept = {
  'contact_notice.leaver_id':
    'The notice counts which contacts a departure has told; the leaver is an id. Its text is erased when it is sent or called off.',
  'auto_reply.leaver_id':
    'The row prevents a second automatic answer to a contact; the leaver is an id. It is erased when the days of the policy are over.',
  'auto_reply.from_number':
    'The number that a contact has written to. It is erased when the answer is sent or given up, at most minutes later.',
  'message_inbox.owner_id':
    'A personal inbox stays with its conversations; its owner is an id, and the name comes from the directory. A deletion resets the name of the inbox.',
  'message.sent_by': 'A message keeps its sender as an id; the name comes from the directory.',
  'scheduled_message.scheduled_by':
    'A message keeps the user who scheduled it as an id; the name comes from the directory.',
  'chat_operator.user_id':
    'Has an effect only if the user has not left since; the live chat router deletes other rows.',
  'chatbot.email':
    'The address that a playbook writes to, chosen by the account; the preview of a departure asks to review it. The address of a deleted user is removed.',
  'webform.email':
    'The address that a web form reports to, chosen by the account; the preview of a departure asks to review it. The address of a deleted user is removed.',
};
