/** @import { Contact, PhoneNumber } from '#libs/contracts' */
/** @import { HttpClient } from '../../cli/http-client.mjs' */
/** @import { People } from './account.mjs' */
import { randomInt } from 'node:crypto';
import { HttpError } from '../../cli/http-client.mjs';
import { daysFromNow, phone } from './helpers.mjs';

/** The reserved lines 555-0100 to 555-0199 of an area code. */
const LINES = 100;

/**
 * Creates numbers, calls and callbacks.
 * @param {People} people
 * @param {Contact[]} contacts
 */
export async function createTelephonyData(people, contacts) {
  const numbers = await createNumbers(people);
  await createCalls(people, contacts, numbers);
  return numbers;
}

/**
 * Two personal numbers of the leaver, two numbers that the leaver answers, and one of a colleague.
 * @param {People} people
 */
async function createNumbers({ owner, leaver, colleagues: [first, second], spec }) {
  const me = leaver.user.id;
  const firstLine = randomInt(LINES);
  let created = 0;
  /** @param {object} number */
  const create = (number) => createNumber(owner.api, spec.areaCode, firstLine + created++ * 7, number);
  const ownNumber = await create({ ownerId: me });
  await create({ ownerId: me });
  await create({ ownerId: first.user.id, destinationUserId: me });
  const sharedNumber = await create({ kind: 'shared', destinationUserId: me });
  await create({ ownerId: second.user.id });
  return { ownNumber, sharedNumber };
}

/**
 * A number belongs to one account of the whole system: if a line is taken, the next one is tried.
 * @param {HttpClient} api
 * @param {string} areaCode
 * @param {number} from
 * @param {object} number
 * @returns {Promise<PhoneNumber>}
 */
async function createNumber(api, areaCode, from, number) {
  for (let line = from; line < from + LINES; line += 1) {
    const e164 = phone(areaCode, line % LINES);
    try {
      return await api.post('/v1/numbers', { ...number, e164 });
    } catch (error) {
      if (!(error instanceof HttpError) || error.code !== 'conflict') throw error;
    }
  }
  throw new Error(`All demo numbers of area code ${areaCode} are taken.`);
}

/**
 * @param {People} people
 * @param {Contact[]} contacts
 * @param {{ ownNumber: PhoneNumber, sharedNumber: PhoneNumber }} numbers
 */
async function createCalls({ leaver, colleagues: [colleague] }, contacts, { ownNumber, sharedNumber }) {
  /** @type {(api: HttpClient, contact: Contact | undefined, days: number, status?: string) => Promise<unknown>} */
  const createCallback = (api, contact, days, status) =>
    api.post('/v1/callbacks', { contactId: contact?.id, dueAt: daysFromNow(days), status });
  await Promise.all([
    leaver.api.post('/v1/calls/inbound', { to: ownNumber.e164, from: contacts[0]?.phone }),
    leaver.api.post('/v1/calls/inbound', { to: sharedNumber.e164 }),
    leaver.api.post('/v1/calls/outbound', { numberId: ownNumber.id, to: contacts[1]?.phone }),
    createCallback(leaver.api, contacts[0], 1),
    createCallback(leaver.api, contacts[2], 2),
    createCallback(leaver.api, contacts[3], -1, 'done'),
    createCallback(colleague.api, contacts[4], 1),
  ]);
}
