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

/** Visitors go on talking to it: somebody else stands in the playbook. */
const chatbots = rule('messaging.chatbots', 'Chatbots', {
  rows: owned(Chatbot, 'userId'),
  deactivated: can(replace, transfer),
  deleted: can(replace, transfer),
  warning: true,
  explain: (about) => reviewAddresses(about, 'chatbot', 'the playbook'),
});

/** What is filled in goes on reaching somebody. */
const webforms = rule('messaging.webforms', 'Web forms', {
  rows: owned(Webform, 'userId'),
  deactivated: can(replace, transfer),
  deleted: can(replace, transfer),
  warning: true,
  explain: (about) => reviewAddresses(about, 'webform', 'the saving preferences'),
});

/** The team goes on using them. */
const sharedTemplates = rule('messaging.email-templates', 'Shared email templates', {
  rows: owned(EmailTemplate, 'ownerId', { visibility: 'shared' }),
  deactivated: can(keep, transfer),
  deleted: can(keep, transfer),
});

/** Nobody else has ever seen them: they wait for their owner's return, and go with the owner. */
const privateTemplates = rule('messaging.private-email-templates', 'Private email templates', {
  rows: owned(EmailTemplate, 'ownerId', { visibility: 'private' }),
  deactivated: can(keep, deleteRows, transfer),
  deleted: can(deleteRows, keep, transfer),
});

/** They belong to the record's history. */
const linkedEmails = rule('messaging.linked-emails', 'Shared emails linked to records', {
  rows: owned(LinkedEmail, 'ownerId', { visibility: 'shared' }),
  deactivated: always(keep),
  deleted: always(keep),
});

/** Nobody else may read them: they wait a month for their owner's return. A deletion does not begin the month anew. */
const privateEmails = rule('messaging.private-emails', 'Private emails linked to records', {
  rows: owned(LinkedEmail, 'ownerId', { visibility: 'private' }),
  deactivated: can(deleteAfter(30)),
  deleted: can(deleteAfter(30)),
});

/** From chatbots to emails, in the order of the policy. */
export const templateRules: readonly Rule[] = [
  chatbots,
  webforms,
  sharedTemplates,
  privateTemplates,
  linkedEmails,
  privateEmails,
];

/** What customers thought of the work stays, in the end of a "Deleted user"'s work. */
export const csat = rule('messaging.csat', 'Customer satisfaction responses', {
  rows: owned(CsatResponse, 'agentId'),
  deactivated: always(keep),
  deleted: always(keep),
});

/** An address entered by hand may be the leaver's own, and does not change with the user. */
async function reviewAddresses({ db, userId, count }: Explain, table: string, place: string): Promise<string> {
  const { rows } = await sql<{ custom: string }>`
    select count(*) as custom from ${sql.table(table)} where user_id = ${userId} and email is not null`.execute(db);
  return `Somebody else takes the user's place. Review the email address in ${place}: a custom one is set in ${rows[0]!.custom} of ${count}.`;
}
