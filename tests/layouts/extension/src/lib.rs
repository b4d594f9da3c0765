use pyo3_ffi::*;
use std::ptr::{addr_of_mut, null_mut};

static mut METHODS: [PyMethodDef; 2] = [
    PyMethodDef {
        ml_name: c"height".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: height },
        ml_flags: METH_O,
        ml_doc: c"How high the water is at an hour.".as_ptr(),
    },
    PyMethodDef::zeroed(),
];

static mut MODULE: PyModuleDef = PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: c"_core".as_ptr(),
    m_doc: null_mut(),
    m_size: 0,
    m_methods: addr_of_mut!(METHODS).cast(),
    m_slots: null_mut(),
    m_traverse: None,
    m_clear: None,
    m_free: None,
};

unsafe extern "C" fn height(_module: *mut PyObject, hour: *mut PyObject) -> *mut PyObject {
    PyLong_FromLong(PyLong_AsLong(hour) % 12)
}

#[no_mangle]
pub unsafe extern "C" fn PyInit__core() -> *mut PyObject {
    PyModuleDef_Init(addr_of_mut!(MODULE))
}
