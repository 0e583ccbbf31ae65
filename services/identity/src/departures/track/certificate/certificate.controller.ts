import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  certificatesVerify,
  departuresCertificate,
  type CallOf,
  type Certificate,
  type CertificateVerification,
} from '#libs/contracts';
import { CertificateCheck } from './certificate-check.js';
import { Certificates } from './certificates.js';

@Controller()
export class CertificateController {
  constructor(
    private readonly certificates: Certificates,
    private readonly check: CertificateCheck,
  ) {}

  @Handles(departuresCertificate)
  issue({ principal, params }: CallOf<typeof departuresCertificate>): Promise<Certificate> {
    return this.certificates.issue(principal, params.id!);
  }

  @Handles(certificatesVerify, { acrossAccounts: 'A certificate says which account it is of, and everybody may ask.' })
  verify({ body }: CallOf<typeof certificatesVerify>): Promise<CertificateVerification> {
    return this.check.verify(body.jws);
  }
}
