import { getMetadataStorage } from 'class-validator';

const storage = getMetadataStorage();
const search = storage.getTargetValidationMetadatas.bind(storage);
const found = new WeakMap<object, ReturnType<typeof search>>();

/**
 * To find the fields of one class, class-validator looks through those of all classes there are, at every validation:
 * with our hundreds of them more work than the checks themselves. A class is declared before anything of it is
 * validated and does not change, so it is looked for once.
 */
storage.getTargetValidationMetadatas = (target, schema, always, strictGroups, groups) => {
  if (schema || always || strictGroups || groups?.length) return search(target, schema, always, strictGroups, groups);
  let fields = found.get(target);
  if (!fields) found.set(target, (fields = search(target, schema, always, strictGroups, groups)));
  return fields;
};
