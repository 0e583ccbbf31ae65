import { randomInt } from 'node:crypto';
import { daysFromNow, phone } from './helpers.mjs';

/** The reserved lines 555-0100 to 555-0199 of an area code. */
const LINES = 100;

/** Numbers, the calls that came and went by them, and who is to be called back. */
export async function telephone(people, contacts) {
  const numbers = await giveNumbers(people);
  await call(people, contacts, numbers);
  return { numbers };
}

/** Two personal numbers of the leaver, one of a colleague that the leaver answers, and a colleague's own. */
async function giveNumbers({ owner, leaver, colleagues, spec }) {
  const me = leaver.user.id;
  const [first, second] = colleagues.map(({ user }) => user.id);
  const wanted = [
    { ownerId: me },
    { ownerId: me },
    { ownerId: first, destinationUserId: me },
    { kind: 'shared', destinationUserId: me },
    { ownerId: second },
  ];
  const from = randomInt(LINES);
  const numbers = [];
  for (const [index, number] of wanted.entries()) {
    numbers.push(await freeNumber(owner.api, spec.areaCode, from + index * 7, number));
  }
  return numbers;
}

/** A number belongs to one account of the whole system: where a line is taken, the next one will do. */
async function freeNumber(api, areaCode, from, number) {
  for (let line = from; line < from + LINES; line += 1) {
    const e164 = phone(areaCode, line % LINES);
    try {
      return await api.post('/v1/numbers', { ...number, e164 });
    } catch (error) {
      if (error.code !== 'conflict') throw error;
    }
  }
  throw new Error(`All demo numbers of area code ${areaCode} are taken.`);
}

async function call({ leaver, colleagues: [colleague] }, contacts, [own, , , shared]) {
  const [{ phone: from, id: contactId }, ...others] = contacts;
  const callBack = (api, contact, days, status) =>
    api.post('/v1/callbacks', { contactId: contact.id, dueAt: daysFromNow(days), status });
  await Promise.all([
    leaver.api.post('/v1/calls/inbound', { to: own.e164, from }),
    leaver.api.post('/v1/calls/inbound', { to: shared.e164 }),
    leaver.api.post('/v1/calls/outbound', { numberId: own.id, to: others[0].phone }),
    callBack(leaver.api, { id: contactId }, 1),
    callBack(leaver.api, others[1], 2),
    callBack(leaver.api, others[2], -1, 'done'),
    callBack(colleague.api, others[3], 1),
  ]);
}
