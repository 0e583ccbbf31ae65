import { OPERATOR } from './callers.js';
import type { Ask } from './lifecycle.js';

/** A number that the carrier has confirmed for an account. */
export interface NumberToConfirm {
  accountId: string;
  e164: string;
}

export interface ConfirmedNumber {
  numberId: string;
  verifiedAt: string;
  /** Whether it had been confirmed for another account. */
  moved: boolean;
}

/** For the operator, or a program of the carrier that acts as the operator; not part of the REST API. Idempotent. */
export const confirmNumber: Ask<NumberToConfirm, ConfirmedNumber> = {
  service: 'telephony',
  subject: 'lifecycle.telephony.confirm-number',
  timeout: 10_000,
  calledBy: [OPERATOR],
};
