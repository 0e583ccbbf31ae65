import { OPERATOR } from './callers.js';
import type { Ask } from './lifecycle.js';

/** For the operator, across all accounts: the database of a service has been restored from a backup. */
export interface CatchUpRequest {
  service: string;
  /** Decisions made since this time (ISO 8601) are applied again. Without it, only the state is returned. */
  since?: string;
}

export interface CatchUpState {
  service: string;
  /** `waiting` until the service has a complete directory, then `catching-up`, finally `caught-up`. */
  state: 'waiting' | 'catching-up' | 'caught-up';
  /** Absent if no catch-up is running. */
  since?: string;
  /** Departures that have been reopened so far. */
  reopened: number;
  /** Reopened departures of this service that are still running, and those that have failed. */
  open: number;
  failed: number;
}

/** Idempotent: while a catch-up runs, a repeated request changes nothing; afterwards it finds nothing to do. */
export const catchUp: Ask<CatchUpRequest, CatchUpState> = {
  service: 'identity',
  subject: 'lifecycle.identity.catch-up',
  timeout: 10_000,
  calledBy: [OPERATOR],
};

/** The newest versions of users that a service knows. Identity answers with the newest that exist. */
export interface KnownPeople {
  people: { accountId: string; userId: string; seq: number; lifecycleVersion: number; hasLeft: boolean }[];
  next: string | null;
}

/** Page by page in the order of the ids, at most `MOST_KNOWN_PEOPLE` at a time. */
export const knownPeopleOf = (service: string): Ask<{ after: string | null }, KnownPeople> => ({
  service,
  subject: `lifecycle.${service}.known-people`,
  timeout: 30_000,
  calledBy: [OPERATOR],
});

export const MOST_KNOWN_PEOPLE = 2_000;

/** At most this many people in one request. */
export const MOST_RAISED = 1_000;

/**
 * Raises the versions of users in an identity database that was restored from a backup to those that another service
 * knows. Otherwise services would take identity's next decisions for old ones. Profiles and roles are not changed.
 */
export const raiseVersions: Ask<
  { people: { userId: string; seq: number; lifecycleVersion: number }[] },
  { raised: number }
> = { service: 'identity', subject: 'lifecycle.identity.raise-versions', timeout: 30_000, calledBy: [OPERATOR] };
