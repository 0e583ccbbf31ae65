import type { ResolvedRules } from '#libs/contracts';
import type { ServiceParts } from '../support/participant.js';

/** A service whose users have 50 rows each, and a hand-written deletion of them. */
export interface Scene {
  parts: ServiceParts;
  /** SQL that creates the rows of the users from number 1 on. */
  rows: (people: number) => string[];
  /** The rules for which the account overrides the preset. */
  policy: ResolvedRules;
  /** The statements that do the same as the rules and the forgetting of a deletion: $1 are the leavers, $2 is the successor. */
  byHand: readonly string[];
  /** One UPDATE of these, for one leaver: $1. */
  oneUpdate: string;
}
