import { createHmac } from 'node:crypto';
import { canonical, foldCase } from '#libs/contracts';

/** One address, and nothing that a mail server could read as several or as a header. */
const ADDRESS = /^[^\s@,;:<>()[\]\\"]{1,64}@[^\s@,;:<>()[\]\\"]{1,255}$/u;

/** Whether a mail can be sent to this address. */
export const isAddress = (text: string): boolean => ADDRESS.test(text);

/** A keyed digest, so that the database does not tell who was written to. */
export const mailboxOf = (secret: string, address: string): Buffer =>
  createHmac('sha256', secret)
    .update(`mailbox ${foldCase(canonical(address))}`)
    .digest();
