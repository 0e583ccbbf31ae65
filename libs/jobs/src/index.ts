export { failpoint, type FailpointName, type Strike } from './failpoints.js';
export { PermanentError, classifyError, isRetryable, isTransient, type ErrorClass } from './classify-error.js';
export { isDue, isPast, type DueRow } from './due.js';
export { RETRY_AFTER_LIMIT_MS, retryAfterMs } from './retry-after.js';
export { RETRY_DELAYS_MS, retryDelay, type RetryPolicy } from './retry-delay.js';
export { TimeoutError, endsWithin, withTimeout } from './timeout.js';
export { BatchWorker, StepWorker, Worker, type WorkerOptions } from './worker.js';
export { WorkerContext } from './worker-context.js';
export { WakeSignal } from './wake-signal.js';
