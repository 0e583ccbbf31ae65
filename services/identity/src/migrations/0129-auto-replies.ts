import { migration } from '#libs/database';

/** How an account answers contacts of users who have left; null for not at all. An older identity leaves it as it is. */
export const autoReplies = migration('0129-auto-replies', 'alter table account add column auto_reply jsonb');
