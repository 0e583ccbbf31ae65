import { Module } from '@nestjs/common';
import { keyRotation } from '#libs/platform';
import { KeyEncryption } from './key-encryption.js';
import { SigningKeyController } from './signing-key.controller.js';
import { SigningKeyWorker } from './signing-key.worker.js';
import { SigningKeys } from './signing-keys.js';

const rotation = keyRotation(KeyEncryption, {
  serviceName: 'identity',
  setting: 'LEAVER_SECRET',
  columns: [{ table: 'signing_key', column: 'sealed_private_jwk', id: 'kid', boundTo: 'kid' }],
});

/** The keys that sign tokens and certificates. */
@Module({
  controllers: [SigningKeyController],
  providers: [rotation, KeyEncryption, SigningKeyWorker, SigningKeys],
  exports: [SigningKeys],
})
export class SigningKeyModule {}
