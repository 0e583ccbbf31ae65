export { Principals } from './principals.js';
export { SessionEpochs } from './session-epochs.js';
export { SessionWatch } from './session-watch.js';
export { SignedCalls, UNSIGNED_CALLS, type UnsignedCalls } from './signed-calls.js';
export { SigningKeys } from './signing-keys.js';
export { VerifiedTokens } from './verified-tokens.js';
