import { isManager, Problem, type Call } from '#libs/contracts';
import { Contact } from '../contact/contact.entity.js';
import { CrmRecord } from '../record/record.entity.js';
import type { NoteRow } from './writing.entity.js';

/** The record or contact has to exist in the account. */
export const refers = { recordId: CrmRecord, contactId: Contact };

type About = Pick<Partial<NoteRow>, 'recordId' | 'contactId' | 'author'>;

interface NewWriting {
  recordId?: string;
  contactId?: string;
  author?: string;
}

/**
 * Returns what a note, comment or file is about, and its author if the body names one.
 * @throws Problem `validation`, `forbidden`
 */
export function about({ body, principal }: Call): About {
  const { recordId, contactId, author } = body as NewWriting;
  if (author && author !== principal.userId && !isManager(principal))
    throw new Problem('forbidden', {
      detail: 'Only owners and admins can add notes, comments and files in the name of another user.',
    });
  if (!recordId === !contactId) {
    const message = 'name either a record or a contact';
    throw new Problem('validation', { errors: ['recordId', 'contactId'].map((field) => ({ field, message })) });
  }
  return { recordId: recordId ?? null, contactId: contactId ?? null, ...(author && { author }) };
}
