import { Module } from '@nestjs/common';
import { keyRotation } from '#libs/platform';
import { EvidenceKeys } from './evidence-keys.js';
import { KeyEncryption } from './key-encryption.js';
import { KeyRows } from './key-rows.js';
import { PublishedKeys } from './published-keys.js';
import { SigningKeyController } from './signing-key.controller.js';
import { SigningKeyWorker } from './signing-key.worker.js';
import { TokenKeys } from './token-keys.js';
import { Withdrawals } from './withdrawals.js';

const rotation = keyRotation(KeyEncryption, {
  serviceName: 'identity',
  setting: 'LEAVER_SECRET',
  columns: [
    { table: 'signing_key', column: 'sealed_private_jwk', id: 'kid', boundTo: 'kid' },
    { table: 'user_export', column: 'sealed_key', id: 'id', boundTo: 'id' },
    { table: 'mail_outbox', column: 'sealed', id: 'id', boundTo: 'id' },
    { table: 'sso_connection', column: 'sealed_client_secret', id: 'account_id', boundTo: 'account_id' },
    { table: 'totp', column: 'sealed_secret', id: 'id', boundTo: 'id' },
  ],
});

/** The keys that sign tokens, certificates and heads of audit trails: one key for each purpose. */
@Module({
  controllers: [SigningKeyController],
  providers: [rotation, EvidenceKeys, KeyEncryption, KeyRows, PublishedKeys, SigningKeyWorker, TokenKeys, Withdrawals],
  exports: [EvidenceKeys, KeyEncryption, PublishedKeys, TokenKeys],
})
export class SigningKeyModule {}
