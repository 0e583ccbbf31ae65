import type { EntityManager } from '@mikro-orm/postgresql';
import { isManager, Problem, type Call } from '#libs/contracts';
import { requireRow } from '../references.js';

interface NewWriting {
  recordId?: string;
  contactId?: string;
  author?: string;
}

/**
 * What a note, comment or file is about, and whose it is unless the caller's.
 * @throws Problem `validation`, `unknown-reference`, `forbidden`
 */
export async function about(em: EntityManager, { body, principal }: Call): Promise<Record<string, unknown>> {
  const { recordId, contactId, author } = body as NewWriting;
  const { accountId, userId } = principal;
  if (author && author !== userId && !isManager(principal))
    throw new Problem('forbidden', { detail: 'Only owners and admins add what somebody else has written.' });
  if (!recordId === !contactId) {
    const message = 'name a record or a contact, one of them';
    throw new Problem('validation', { errors: ['recordId', 'contactId'].map((field) => ({ field, message })) });
  }
  if (recordId) await requireRow(em, 'record', { id: recordId, accountId });
  if (contactId) await requireRow(em, 'contact', { id: contactId, accountId });
  return { recordId: recordId ?? null, contactId: contactId ?? null, ...(author && { author }) };
}
