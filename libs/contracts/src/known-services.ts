import { OPERATOR } from './callers.js';
import type { Ask } from './lifecycle.js';

/** A service that has declared rules, and what waits for it. For the operator; not part of the REST API. */
export interface KnownService {
  service: string;
  /** The number of its rules; 0 after its retirement. */
  rules: number;
  /** When it last declared its rules, which a running service does every five minutes. */
  heardAt?: string;
  /** It is being onboarded, or catches up. */
  joining?: boolean;
  retiredAt?: string;
  /**
   * Ids of rules that it does not declare any more, in whole or for one transition. Departures wait for them until an operator
   * confirms that they end.
   */
  dropped?: string[];
  droppedAt?: string;
  /** Open departures that wait for it, of all accounts. */
  open: number;
  /** Since when the oldest of them is open. */
  oldestSince?: string;
}

export const servicesKnown: Ask<Record<string, never>, KnownService[]> = {
  service: 'identity',
  subject: 'lifecycle.identity.services',
  timeout: 10_000,
  calledBy: [OPERATOR],
};

/**
 * Retires a service that will not come back: departures do not wait for it any more. Idempotent. When it declares its rules
 * again, it is onboarded like a new one.
 */
export const retireService: Ask<{ service: string }, KnownService> = {
  service: 'identity',
  subject: 'lifecycle.identity.retire-service',
  timeout: 30_000,
  calledBy: [OPERATOR],
};

/**
 * Confirms that rules end which a service does not declare any more: departures do not wait for them. Idempotent.
 * @throws Problem `conflict` if the service has dropped other rules than these
 */
export const confirmRules: Ask<{ service: string; rules: string[] }, KnownService> = {
  service: 'identity',
  subject: 'lifecycle.identity.confirm-rules',
  timeout: 30_000,
  calledBy: [OPERATOR],
};
