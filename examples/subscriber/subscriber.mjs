import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

const { NATS_URL = 'nats://127.0.0.1:4222', NATS_CA_FILE: caFile } = process.env;
const { protocol, host, username, password } = new URL(NATS_URL);
const name = username || 'subscriber';
const tls = protocol === 'tls:' ? { caFile } : undefined;
const nats = await connect({ servers: host, user: username, pass: password, inboxPrefix: `_INBOX_${name}`, tls });
const manager = await jetstreamManager(nats);
await manager.consumers.add('USERS', {
  durable_name: name,
  ack_policy: 'explicit',
  filter_subjects: ['user.deactivated.>', 'user.deleted.>'],
});
const consumer = await jetstream(nats).consumers.get('USERS', name);
for await (const message of await consumer.consume()) {
  const { type, data } = message.json();
  console.log(type, data.userId, data.lifecycleVersion);
  message.ack();
}
