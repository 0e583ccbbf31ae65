import type { Ask } from './lifecycle.js';

/** The operator has put a service's database back to an older state. A matter of the operator, over all accounts. */
export interface CatchUpRequest {
  service: string;
  /** What was decided from then on has to be applied again, ISO 8601; without it only the state is asked for. */
  since?: string;
}

export interface CatchUpState {
  service: string;
  /** `waiting` for the service to come and learn who is there, then `catching-up`, in the end `caught-up`. */
  state: 'waiting' | 'catching-up' | 'caught-up';
  /** Absent when nothing is under way. */
  since?: string;
  /** Departures that have been opened again so far. */
  reopened: number;
  /** Departures in a further round in which this service takes part: those under way, and those that have failed. */
  open: number;
  failed: number;
}

/** Asking again for what is under way changes nothing; what is over is done once more, and finds nothing left to do. */
export const catchUp: Ask<CatchUpRequest, CatchUpState> = {
  service: 'identity',
  subject: 'lifecycle.identity.catch-up',
  timeout: 10_000,
};

/** How much a service knows of each person; identity answers what there is to know. */
export interface KnownPeople {
  people: { accountId: string; userId: string; seq: number; lifecycleVersion: number; hasLeft: boolean }[];
  next: string | null;
}

/** Page by page, in the order of the ids; at most `MOST_KNOWN_PEOPLE` at a time. */
export const knownPeopleOf = (service: string): Ask<{ after: string | null }, KnownPeople> => ({
  service,
  subject: `lifecycle.${service}.known-people`,
  timeout: 30_000,
});

export const MOST_KNOWN_PEOPLE = 2_000;

/** At most this many people in one request. */
export const MOST_RAISED = 1_000;

/**
 * Identity, restored from a backup, counts a person's changes on from what another service knows already: what it decides
 * next would be taken for something old otherwise. Who they are and what they may do stays as it is.
 */
export const raiseVersions: Ask<
  { people: { userId: string; seq: number; lifecycleVersion: number }[] },
  { raised: number }
> = { service: 'identity', subject: 'lifecycle.identity.raise-versions', timeout: 30_000 };
