import type { ResolvedRules } from '#libs/contracts';
import type { ServiceParts } from '../support/participant.js';

/** A service full of people with 50 rows each, and a deletion of them written by hand. */
export interface Scene {
  parts: ServiceParts;
  /** SQL that gives the people from number 1 on their rows. */
  rows: (people: number) => string[];
  /** Where the account has not left it at the preset's choice. */
  policy: ResolvedRules;
  /** What the rules and the forgetting come to for a deletion: $1 the leavers, $2 who takes over. */
  byHand: readonly string[];
  /** One UPDATE out of all that, for one person: $1. */
  oneUpdate: string;
}
