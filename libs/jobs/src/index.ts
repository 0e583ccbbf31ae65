export { failpoint, type FailpointName, type Strike } from './failpoints.js';
export {
  PermanentError,
  RETRY_DELAYS_MS,
  classifyError,
  retryDelay,
  type ErrorClass,
  isDue,
} from './classify-error.js';
export { Worker } from './worker.js';
export { WakeSignal } from './wake-signal.js';
