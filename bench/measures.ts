import { relay } from './01-relay.js';
import { outboxPackage } from './02-outbox-package.js';
import { decision } from './03-decision.js';
import { consume } from './04-consume.js';
import { leavers } from './05-leavers.js';
import { nestHandler } from './06-nest-handler.js';
import { bullmq } from './07-bullmq.js';
import { whale } from './08-whale.js';
import { bystanders } from './09-bystanders.js';
import { smallDeparture } from './10-small-departure.js';
import { oneDeparture } from './11-one-departure.js';
import { duplicates } from './12-duplicates.js';
import { poison } from './13-poison.js';
import { previews } from './14-preview.js';
import { gatewayCheck } from './15-gateway.js';
import { revocation } from './16-revocation.js';
import { imports } from './17-import.js';
import { replicas } from './18-replicas.js';
import { growth } from './19-growth.js';
import { rowSecurity } from './20-row-security.js';
import { dryRuns } from './21-dry-run.js';
import type { Measure } from './support/measure.js';

/** In the order of the table. */
export const measures: readonly Measure[] = [
  relay,
  outboxPackage,
  decision,
  consume,
  leavers,
  nestHandler,
  bullmq,
  whale,
  bystanders,
  smallDeparture,
  oneDeparture,
  duplicates,
  poison,
  previews,
  gatewayCheck,
  revocation,
  imports,
  replicas,
  growth,
  rowSecurity,
  dryRuns,
];
