import type { Principal } from '#libs/contracts';
import type { HandlerMetadata } from '../handles.js';
import type { SignedCall } from './call-signature.js';

export interface IncomingCall extends SignedCall {
  signature: string;
  handler: HandlerMetadata;
}

/** Who calls. */
export interface Admitted {
  /** An unsigned call of an older version, while those are allowed: what the message says is believed. */
  unsigned?: true;
  /** The calling service. */
  caller?: string;
  /** On whose behalf; undefined for a request that concerns no user. */
  principal?: Principal;
}

/** Decides which calls reach their handlers. */
export abstract class CallAdmission {
  /** @throws Problem if the call is refused */
  abstract admit(call: IncomingCall): Promise<Admitted>;
}
