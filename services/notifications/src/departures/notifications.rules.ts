import type { Rule } from '#libs/lifecycle';

/** None: waiting mails of a deleted user are erased, see `mail/forgotten-mails.ts`. */
export const notificationsRules: readonly Rule[] = [];
