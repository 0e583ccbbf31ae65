import { ApiError, type Api, type Json } from '../support/api.js';
import { PASSWORD, signIn, type Cast, type Member, type Place } from '../support/cast.js';
import type { Departure } from '../support/departures.js';

let people = 0;

/** Creates another active user of the account and signs in. */
export async function aColleague(place: Place, { owner }: Cast, role = 'agent'): Promise<Member> {
  const n = ++people;
  const who = { name: `Robin The${n}th`, email: `robin-${process.pid}-${n}@nest.example`, staffId: `R-${n}` };
  const { id } = await owner.api.post('/v1/users', { ...who, password: PASSWORD, roles: [role] });
  return { ...who, id: id as string, api: await signIn(place, who.email) };
}

/** An accepted departure, or the problem of the refusal. */
export type Outcome = (Departure & { code: 'accepted' }) | { answer: number; code: string };

export async function outcome(call: Promise<Departure>): Promise<Outcome> {
  try {
    return { ...(await call), code: 'accepted' };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { answer: error.status, code: error.body.code as string };
  }
}

/** The departure. @throws Error if it was refused */
export function accepted(outcome: Outcome): Departure {
  if (!('id' in outcome)) throw new Error(`refused: ${outcome.code}`);
  return outcome;
}

/** Entries of the audit trail, newest first. */
export const trail = async (api: Api, query: string) => (await api.get<{ items: Json[] }>(`/v1/audit?${query}`)).items;
