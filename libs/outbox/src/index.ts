export { outboxTable } from './outbox-table.js';
export { Outbox, type Acknowledgement, type Backlog, type OutboxEntry, type WaitingEvent } from './outbox.js';
export { Relay, type RelayOptions } from './relay.js';
export { OutboxRelay } from './outbox-relay.js';
