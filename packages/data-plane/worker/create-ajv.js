/**
 * Makes a validator for schemas nobody here wrote: lenient about what they may contain, all errors reported,
 * nothing registered under an id, so that two tools may use the same one.
 * @param {boolean} isDraft7 Whether schemas are of draft 7 or older rather than 2020-12.
 * @param {{ source: boolean }} code Whether the source of compiled functions is kept.
 * @returns {Promise<import('ajv').Ajv>}
 */
export async function createAjv(isDraft7, code) {
  const { default: module } = await (isDraft7 ? import('ajv') : import('ajv/dist/2020.js'));
  const { default: addFormats } = await import('ajv-formats');
  const options = {
    strict: false,
    allErrors: true,
    verbose: true,
    validateSchema: false,
    addUsedSchema: false,
    // Without it every object has an argument named "constructor".
    ownProperties: true,
    validateFormats: true,
    logger: /** @type {const} */ (false),
    code,
  };
  const ajv = new module.default(options);
  addFormats.default(ajv);
  return ajv;
}
