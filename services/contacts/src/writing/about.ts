import type { EntityManager } from '@mikro-orm/postgresql';
import { isManager, Problem, type Call } from '#libs/contracts';
import { requireReference, type AnyEntity } from '#libs/database';
import { Contact } from '../contact/contact.entity.js';
import { CrmRecord } from '../record/record.entity.js';
import type { NoteRow } from './writing.entity.js';

type About = Pick<Partial<NoteRow>, 'recordId' | 'contactId' | 'author'>;

interface NewWriting {
  recordId?: string;
  contactId?: string;
  author?: string;
}

/**
 * Returns what a note, comment or file is about, and its author if the body names one.
 * @throws Problem `validation`, `unknown-reference`, `forbidden`
 */
export async function about(em: EntityManager, { body, principal }: Call): Promise<About> {
  const { recordId, contactId, author } = body as NewWriting;
  const { accountId, userId } = principal;
  if (author && author !== userId && !isManager(principal))
    throw new Problem('forbidden', {
      detail: 'Only owners and admins can add notes, comments and files in the name of another user.',
    });
  if (!recordId === !contactId) {
    const message = 'name either a record or a contact';
    throw new Problem('validation', { errors: ['recordId', 'contactId'].map((field) => ({ field, message })) });
  }
  const named = (entity: AnyEntity, id: string, noun: string) =>
    requireReference(em, { entity, accountId, id, detail: `Name a ${noun} of this account.` });
  if (recordId) await named(CrmRecord, recordId, 'record');
  if (contactId) await named(Contact, contactId, 'contact');
  return { recordId: recordId ?? null, contactId: contactId ?? null, ...(author && { author }) };
}
