import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

const { host, username, password } = new URL(process.env.NATS_URL ?? 'nats://127.0.0.1:4222');
const name = username || 'subscriber';
const nats = await connect({ servers: host, user: username, pass: password, inboxPrefix: `_INBOX_${name}` });
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
