import { sql } from 'kysely';
import {
  always,
  can,
  deleteAfter,
  deleteRows,
  keep,
  owned,
  replace,
  rule,
  transfer,
  type Explain,
  type Rule,
} from '#libs/lifecycle';
import { Chatbot } from '../chatbot/chatbot.entity.js';
import { CsatResponse } from '../csat/csat.entity.js';
import { EmailTemplate } from '../email-template/email-template.entity.js';
import { LinkedEmail } from '../email/email.entity.js';
import { Webform } from '../webform/webform.entity.js';
import { shown } from './shown.js';

/** Chatbots stay in use, so another user replaces the leaver in the playbook. */
const chatbots = rule('messaging.chatbots', 'Chatbots', {
  rows: owned(Chatbot, 'userId', {}, { shown: shown.chatbot }),
  deactivated: can(replace, transfer),
  deleted: can(replace, transfer),
  warning: true,
  explain: (about) => reviewAddresses(about, 'chatbot', 'the playbook'),
});

/** Submissions of a web form must still reach a user, so another user replaces the leaver. */
const webforms = rule('messaging.webforms', 'Web forms', {
  rows: owned(Webform, 'userId', {}, { shown: shown.webform }),
  deactivated: can(replace, transfer),
  deleted: can(replace, transfer),
  warning: true,
  explain: (about) => reviewAddresses(about, 'webform', 'the saving preferences'),
});

/** The team continues to use shared templates. */
const sharedTemplates = rule('messaging.email-templates', 'Shared email templates', {
  rows: owned(EmailTemplate, 'ownerId', { visibility: 'shared' }, { shown: shown.emailTemplate }),
  deactivated: can(keep, transfer),
  deleted: can(keep, transfer),
});

/** Only the owner sees private templates: by default they stay while the owner is deactivated, and are then deleted. */
const privateTemplates = rule('messaging.private-email-templates', 'Private email templates', {
  rows: owned(EmailTemplate, 'ownerId', { visibility: 'private' }, { shown: shown.emailTemplate }),
  deactivated: can(keep, deleteRows, transfer),
  deleted: can(deleteRows, keep, transfer),
});

/** Shared emails are part of the record's history. */
const linkedEmails = rule('messaging.linked-emails', 'Shared emails linked to records', {
  rows: owned(LinkedEmail, 'ownerId', { visibility: 'shared' }, { shown: shown.email }),
  deactivated: always(keep),
  deleted: always(keep),
});

/**
 * Only the owner can read private emails: they are kept for 30 days. A deletion after a deactivation does not restart
 * the period.
 */
const privateEmails = rule('messaging.private-emails', 'Private emails linked to records', {
  rows: owned(LinkedEmail, 'ownerId', { visibility: 'private' }, { shown: shown.email }),
  deactivated: can(deleteAfter(30)),
  deleted: can(deleteAfter(30)),
});

/** In the order in which the policy lists them. */
export const templateRules: readonly Rule[] = [
  chatbots,
  webforms,
  sharedTemplates,
  privateTemplates,
  linkedEmails,
  privateEmails,
];

/** Responses stay. After a deletion the agent is shown as "Deleted user". */
export const csat = rule('messaging.csat', 'Customer satisfaction responses', {
  rows: owned(CsatResponse, 'agentId', {}, { shown: shown.csatResponse }),
  deactivated: always(keep),
  deleted: always(keep),
});

/** A custom address can be the leaver's own, and replacing the user does not change it. */
async function reviewAddresses({ db, userId, count }: Explain, table: string, place: string): Promise<string> {
  const { rows } = await sql<{ custom: string }>`
    select count(*) as custom from ${sql.table(table)} where user_id = ${userId} and email is not null`.execute(db);
  return `Another user takes the user's place. Review the email address in ${place}: a custom one is set in ${rows[0]!.custom} of ${count}.`;
}
