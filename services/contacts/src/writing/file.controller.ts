import { Controller } from '@nestjs/common';
import { files, type Call, type NewAttachedFile } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { about, refers } from './about.js';
import { AttachedFile, type AttachedFileRow } from './writing.entity.js';

const base = plainResource(files, {
  entity: AttachedFile,
  shown: ['recordId', 'contactId', 'name', 'createdAt'],
  people: ['author'],
  mine: 'author',
  refers,
});

@Controller()
export class FileController extends base {
  override async prepare(call: Call): Promise<Partial<AttachedFileRow>> {
    return { ...about(call), name: (call.body as NewAttachedFile).name };
  }
}
