/**
 * The JSON document of an answer, or null where there is none.
 * @param {Response} response
 * @returns {Promise<any>}
 */
export async function documentOf(response) {
  try {
    return await response.json();
  } catch {
    return null;
  }
}
